case "{{HOW}}" in
  gone) rm policies/no-upgrades.yaml ;;
  renamed) mv policies/no-upgrades.yaml policies/no-upgrades.txt ;;
  elsewhere) printf 'policies: "other/*.yaml"\n' >>tiers.yaml ;;
  rewritten) printf 'policy: no-upgrades\nscope: tenant\nrequire: ["true"]\nmessage: x\n' >policies/no-upgrades.yaml ;;
esac
