ln -sf "$GOAL" tiers.yaml
