"""Effects: sockets, files, processes, logs, settings. May import ``core``, never the other way round."""
