## Runs in web exports, too. A page from another machine must be let in, by its address:
##     gd.listen("ws://...", host="lan", origins=["http://192.168.1.20:8060"])
## A page that came by https may open ws:// only to its own computer.
