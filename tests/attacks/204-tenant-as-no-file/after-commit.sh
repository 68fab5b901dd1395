eval "$MAKE"
