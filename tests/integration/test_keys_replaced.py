"""Keys are replaced while both hold for a time: those of callers, and the one that signs webhooks and seals the secrets of others."""

from dataclasses import replace

import grpc.aio
import pytest
from standardwebhooks import Webhook

from services.__main__ import run_rotate
from services.admin.service import admin
from services.insights.service import insights
from services.kit.errors import BadSetting
from tests.conftest import Suite, refusal
from tests.integration.alerting import receiving
from tests.integration.delivering import DEMO, delivering
from tests.polling import until
from tidemark.v1 import admin_pb2, alert_pb2
from tidemark.v1.admin_pb2_grpc import AdminServiceStub
from tidemark.v1.alert_pb2 import WebhookTarget
from tidemark.v1.alert_pb2_grpc import AlertServiceStub
from tidemark.v1.delivery_pb2 import ChatTarget

OLD, BOTH, NEW = (
    {"webhook_key": "old"},
    {"webhook_key": "new", "webhook_key_before": "old"},
    {"webhook_key": "new"},
)


async def test_a_caller_gets_a_new_key_before_the_old_one_ends(suite: Suite) -> None:
    async with suite(admin) as served:
        stub, operator = AdminServiceStub(served.channel), served.key("operator")

        async def asks(secret: str) -> None:
            await stub.GetProject(
                admin_pb2.GetProjectRequest(name=DEMO), metadata=(("authorization", f"Bearer {secret}"),)
            )

        old, new = [
            await stub.CreateKey(
                admin_pb2.CreateKeyRequest(parent=DEMO, key=admin_pb2.Key(role=admin_pb2.ROLE_VIEWER)),
                metadata=operator,
            )
            for _ in range(2)
        ]
        await asks(old.secret)
        await asks(new.secret)
        await stub.RevokeKey(admin_pb2.RevokeKeyRequest(name=old.key.name), metadata=operator)

        async def ended() -> bool:
            try:
                await asks(old.secret)
            except grpc.aio.AioRpcError:
                return True
            return False

        await until(ended)
        assert (await refusal(asks(old.secret))).code == "UNAUTHENTICATED"
        await asks(new.secret)


async def test_the_key_of_webhooks_is_replaced_while_both_hold(
    suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    async with suite(admin, insights, outbound_private=True, outbound_http=True, **OLD) as served:
        settings = served.resources.settings
        async with receiving(*[204] * 8) as receiver:
            async with delivering(served, outbound_private=True, **OLD) as reports:
                hook = await reports.destination("hook", webhook=WebhookTarget(url=receiver.url))
                room = await reports.destination("room", chat=ChatTarget(url=f"{receiver.url}/secret-part"))
            channel = await AlertServiceStub(served.channel).CreateChannel(
                alert_pb2.CreateChannelRequest(
                    parent=DEMO,
                    channel_id="ops",
                    channel=alert_pb2.Channel(webhook=WebhookTarget(url=receiver.url)),
                ),
                metadata=served.key("admin"),
            )
            async with delivering(served, outbound_private=True, **BOTH) as reports:
                # What the old key has sealed opens, and either secret checks what is signed.
                for made in (hook, room):
                    tested = await reports.TestDestination(name=made.destination.name)
                    assert tested.delivered, tested.outcome
            await run_rotate(replace(settings, **BOTH))
            told = dict(line.split() for line in capsys.readouterr().out.splitlines())
            assert set(told) == {channel.channel.name, hook.destination.name}
            signed, *_ = (each for each in receiver.seen if "webhook-id" in each[0])
            for secret in (hook.secret, told[hook.destination.name]):
                Webhook(secret).verify(signed[1], signed[0])
            assert told[channel.channel.name] not in (channel.secret, hook.secret)
            async with delivering(served, outbound_private=True, **NEW) as reports:
                for made in (hook, room):
                    tested = await reports.TestDestination(name=made.destination.name)
                    assert tested.delivered, tested.outcome
            Webhook(told[hook.destination.name]).verify(receiver.seen[-2][1], receiver.seen[-2][0])
        # Done twice it changes nothing; a key that opens nothing is told, and nothing is lost.
        await run_rotate(replace(settings, **BOTH))
        assert dict(line.split() for line in capsys.readouterr().out.splitlines()) == told
        with pytest.raises(BadSetting, match=f"no key opens the secrets of {room.destination.name}"):
            await run_rotate(replace(settings, webhook_key="other", webhook_key_before="lost"))
