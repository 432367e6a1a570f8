"""Brings editions to people and programs, once for each recipient under one id.

`servicer` answers DeliveryService: `request` (pure) reads destinations, and `store` keeps them, their secrets sealed. `runs` writes
deliveries into the transaction that makes an edition (`store.enqueue`). From there `worker` takes them: `source` reads the parcel, which
is the edition with its files or links to them, `message` (pure) says what there is to tell, and `writer` brings it: by webhook, mail
or chat, into a folder, or to a store like S3 (`s3`, pure, signs that).
"""
