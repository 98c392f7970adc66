"""The version, for whoever lies below the package's faces."""

VERSION = "0.1.0"
