CREATE SCHEMA marts;
CREATE TABLE marts.contacts (
  id bigint PRIMARY KEY,
  email text NOT NULL,
  first_name text,
  last_name text,
  plan text NOT NULL,
  consent boolean NOT NULL
);
INSERT INTO marts.contacts VALUES
  (1, 'ada@example.com', 'Ada', 'Lovelace', 'pro', true),
  (2, 'grace@example.com', 'Grace', 'Hopper', 'pro', true),
  (3, 'edsger@example.com', 'Edsger', NULL, 'free', true),
  (4, 'nobody@example.com', 'No', 'Body', 'pro', false);
