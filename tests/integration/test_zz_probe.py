import time, asyncio
from tests.integration.committing import desk
from tests.ingesting import *
async def test_poison_many(database):
    async with desk(database) as d:
        for bad in (b'{"a":1e-20000}', b'{"a":0.'+b'0'*20000+b'1}', b'{"a":1e-16383}', b'{"a":1e-16384}', b'{"a":1.5e-16383}'):
            t=time.perf_counter(); r=await d.commit(entry_fields(event(hash(bad)%2**40, properties_json=bad), sequence=0)); print(bad[:20], r.stored, r.dead, time.perf_counter()-t, await d.rows("select message from dead_letters order by 1"))
        for n in (100,1000,10000):
            t=time.perf_counter(); r=await d.commit(entry_fields(*(event(n*10000+i, properties_json=b'{"a":1e-20000}' if i%2 else b'{}') for i in range(n)), sequence=0)); print(n, r.stored, r.dead, time.perf_counter()-t)
async def test_weeks(database):
    async with desk(database) as d:
        for n in (100,):
            t=time.perf_counter(); r=await d.commit(entry_fields(*(event(n*10000+i, at_us=i*7*86400*1_000_000) for i in range(n)), sequence=0)); print(n, r.stored, r.dead, time.perf_counter()-t, flush=True)
