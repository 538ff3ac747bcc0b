## Measures the time to gdlab at ADDRESS and back.
## Put this on any Node and press Play. Somebody must answer in the notebook:
##     cap.set_reply(gd.replies.probe_answer)
