eval "$CONFIG"
