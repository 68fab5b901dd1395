name=$(printf 'a%.0s' $(seq 200))
echo none > tenants/$name.txt
mkdir -p tenants/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a
echo none > tenants/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a.txt
