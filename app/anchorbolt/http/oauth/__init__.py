"""The pages in the browser of whoever installs the app in a workspace (docs/workspaces.md)."""
