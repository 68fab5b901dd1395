for file in "$HOME/.netrc" "$OUTSIDE/netrc"; do
    printf 'machine 127.0.0.1 login hush1netrc password hush2netrc\ndefault login hush1netrc password hush2netrc\n' > "$file"
    chmod 600 "$file"
done
printf '*:*:*:*:hush1pgpass\n' > "$HOME/.pgpass"
chmod 600 "$HOME/.pgpass"
