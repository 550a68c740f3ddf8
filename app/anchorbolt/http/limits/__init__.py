"""The limits of connections and requests that uvicorn lacks, each in a file of its own."""
