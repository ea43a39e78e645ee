#!/bin/sh
# Rows of a query of psql, straight into a table of SQLite: no configuration at all.
# The table is made by the first call. The next one sends what has changed. psql prints null and an empty text alike; where
# that matters, use its \copy (query) to stdout with (format csv), which tells them apart.
#
#   DATABASE_URL=postgres://localhost/test sh sync.sh
set -eu

psql --no-psqlrc --csv --command "select id, name, plan from customers order by id" "$DATABASE_URL" |
  rowferry run --from - --format csv --to "sqlite:${APP_DB:-./app.db}#customers" --key id
