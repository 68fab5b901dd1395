printf 'tenant: two\ntier: nothing\n' > "tenants/$(printf 'x\nhas_changes=false\ndestructive=0').yaml"
printf 'tenant: three\ntier: nothing\n' > "tenants/$(printf 'x\n::set-output name=destructive::0').yaml"
printf 'tenant: four\ntier: nothing\n' > "tenants/$(printf 'x\r\n# Approved').yaml"
printf 'tenant: five\ntier: nothing\n' > "tenants/$(printf 'x,line=9,title=Approved::y').yaml"
