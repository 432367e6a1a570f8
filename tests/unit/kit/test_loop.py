"""The loop of continuous work begins at once with what it is told of, and ends when the process drains."""

import asyncio

from services.kit.loop import repeat

PATIENCE = 10.0


def test_news_begin_the_next_step_and_draining_the_end() -> None:
    async def run() -> None:
        draining, news, steps = asyncio.Event(), asyncio.Event(), asyncio.Queue[None]()

        async def step() -> bool:
            await steps.put(None)
            return False

        work = asyncio.create_task(repeat(step, draining, 3600.0, news))
        for _ in range(3):
            await asyncio.wait_for(steps.get(), PATIENCE)
            news.set()
        draining.set()
        await asyncio.wait_for(work, PATIENCE)

    asyncio.run(run())
