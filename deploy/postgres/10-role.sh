#!/bin/bash
# Runs once, when the database container makes its cluster: the plain role that owns everything.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$CARELINE_ROLE_PASSWORD" -U "$POSTGRES_USER" -d postgres <<'SQL'
CREATE ROLE careline LOGIN PASSWORD :'password';
CREATE DATABASE careline OWNER careline;
SQL
