ln -sf "$DEVICE" tiers.yaml
