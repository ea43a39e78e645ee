-- The warehouse: what the model reads.
CREATE SCHEMA warehouse;
CREATE TABLE warehouse.orders (
  tenant text NOT NULL,
  number bigint NOT NULL,
  status text NOT NULL,
  total numeric(12, 2) NOT NULL,
  ordered_at timestamptz NOT NULL,
  PRIMARY KEY (tenant, number)
);
INSERT INTO warehouse.orders VALUES
  ('acme', 1001, 'paid', 19.90, '2024-02-29 12:00+00'),
  ('acme', 1002, 'open', 5.00, '2024-03-01 09:30+00'),
  ('bolt', 1001, 'paid', 123456789.10, '2024-03-02 00:00+00');

-- The application: what the sync writes. Its columns have other names.
CREATE SCHEMA app;
CREATE TABLE app.invoices (
  customer text NOT NULL,
  order_number bigint NOT NULL,
  amount numeric(12, 2),
  state text,
  first_seen timestamptz,
  PRIMARY KEY (customer, order_number)
);
