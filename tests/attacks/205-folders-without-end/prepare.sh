ln -s . tenants/again
ln -s .. tenants/up
ln -s ../tenants tenants/twice
deep=tenants
for number in $(seq 300); do deep=$deep/d; done
mkdir -p $deep
echo none > $deep/none.txt
