"""Tells people of incidents, by signed webhooks and by mail.

`channel` (pure) reads where to. `store` writes notifications into the transaction that opens or ends an incident, one for each
channel, and hands them to `worker`, which tries each until it is taken: `message` (pure) says what there is to tell, `signature`
(pure) signs it, `writer` sends it, and `retry` (pure) says when to try again. `servicer` answers for channels and notifications.
"""
