"""Promises of the sample app, each kept through Bolt's own dispatch and the Web API's own HTTP."""
