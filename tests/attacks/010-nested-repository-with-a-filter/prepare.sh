. "$CASE/../nested.sh"
nested
hostile filter.evil.clean "$TRAP"
hostile filter.evil.required true
echo '* filter=evil' > "$FLEET/.gitattributes"
touch "$FLEET"/tenants/*.yaml
