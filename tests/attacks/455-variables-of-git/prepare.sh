git clone --quiet . "$OUTSIDE/other"
