rm tiers.yaml
mkfifo tiers.yaml
