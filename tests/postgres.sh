# Source this to start a PostgreSQL in a temporary folder.

postgres_bin() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

# PostgreSQL refuses to run as root, so root uses the `postgres` user.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

free_port() {
  local port
  while :; do
    port=$((26000 + RANDOM % 6000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
}

POSTGRES_FOLDER=
POSTGRES_PID=

# Sets LATCHKEY_TEST_POSTGRES_URL. Further arguments go to the server.
start_postgres() {
  local bin port
  bin=$(postgres_bin)
  POSTGRES_FOLDER=$(mktemp -d)
  [ "$(id -u)" != 0 ] || chown postgres "$POSTGRES_FOLDER"
  as_postgres "$bin/initdb" --pgdata "$POSTGRES_FOLDER/data" --username postgres \
    --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync >"$POSTGRES_FOLDER.log" 2>&1 \
    || { cat "$POSTGRES_FOLDER.log" >&2; return 1; }
  port=$(free_port)
  as_postgres "$bin/postgres" -D "$POSTGRES_FOLDER/data" -p "$port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories="$POSTGRES_FOLDER" \
    "$@" >>"$POSTGRES_FOLDER.log" 2>&1 &
  POSTGRES_PID=$!
  local attempt
  for attempt in $(seq 100); do
    if "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then
      export LATCHKEY_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
      echo "PostgreSQL listens on port $port."
      return
    fi
    kill -0 "$POSTGRES_PID" 2>/dev/null || break
    sleep 0.2
  done
  echo 'PostgreSQL did not start' >&2
  cat "$POSTGRES_FOLDER.log" >&2
  return 1
}

stop_postgres() {
  if [ -n "$POSTGRES_PID" ]; then
    # SIGINT is PostgreSQL's fast shutdown.
    local server
    server=$(head -n 1 "$POSTGRES_FOLDER/data/postmaster.pid" 2>/dev/null || true)
    [ -z "$server" ] || kill -INT "$server" 2>/dev/null || true
    wait "$POSTGRES_PID" 2>/dev/null || true
  fi
  [ -z "$POSTGRES_FOLDER" ] || rm -rf "$POSTGRES_FOLDER" "$POSTGRES_FOLDER.log"
}
