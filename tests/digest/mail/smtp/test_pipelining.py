"""Commands of one mail in one packet (RFC 2920), against a server that answers packet by packet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest

from digest.mail.mime.outgoing_message import OutgoingMessage
from digest.mail.smtp.connection_pool import ConnectionPool
from digest.mail.smtp.endpoints import parse_server
from digest.mail.smtp.reply_classification import SendOutcome
from digest.models.delivery import DEFERRED, REJECTED, SENT, UNCERTAIN

ACCEPT = {
    b"EHLO": b"250-here\r\n250-SIZE 1000000\r\n250 PIPELINING\r\n",
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"RSET": b"250 ok\r\n",
    b"QUIT": b"221 bye\r\n",
}
MAIL = OutgoingMessage(
    "us@papers.example", "ada@lab.example", b"Subject: one\r\n\r\n.a line with a dot\r\n", "<1@papers.example>"
)
OTHER = OutgoingMessage("us@papers.example", "bob@lab.example", b"Subject: two\r\n\r\nText\r\n", "<2@papers.example>")
Answer = Callable[[bytes], bytes | None]


def usual_replies(packet: bytes) -> bytes | None:
    """The replies of an accepting server to a packet: to each of its commands, or to a content."""
    if packet.endswith(b"\r\n.\r\n"):
        return b"250 2.0.0 taken\r\n"
    return b"".join(ACCEPT[line[:4].upper()] for line in packet.splitlines())


class PipeliningServer:
    """Answers packets by `answer`; where it gives None the connection is cut. Keeps the packets of each connection."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.connections: list[list[bytes]] = []

    async def serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets: list[bytes] = []
        self.connections.append(packets)
        writer.write(b"220 ready\r\n")
        with suppress(ConnectionError):
            while packet := await stream.read(65536):
                packets.append(packet)
                answer = self._answer(packet)
                if answer is None:
                    writer.transport.abort()
                    return
                writer.write(answer)
        writer.close()


def send_through_pool(
    messages: Sequence[OutgoingMessage], answer: Answer, *, allowed: Sequence[bool] = (), pause: float = 0.0
) -> tuple[list[SendOutcome], PipeliningServer]:  # fmt: skip
    """Send messages one after another through one pool; return the outcomes and the server."""
    server, answers = PipeliningServer(answer), iter(allowed)

    async def run() -> list[SendOutcome]:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        pool = ConnectionPool(
            [parse_server(f"smtp://127.0.0.1:{port}")], size=1, timeout=2.0, ehlo_name="papers.example"
        )
        outcomes = []
        for message in messages:
            outcomes.append(await pool.send(message, lambda: next(answers, True)))
            await asyncio.sleep(pause)
        await pool.close()
        listening.close()
        return outcomes

    return asyncio.run(run()), server


def group(number: int) -> bytes:
    """The beginning of the packet that holds all commands of a message."""
    return b"MAIL FROM:<us@papers.example> SIZE=%d\r\nRCPT TO:" % len((MAIL, OTHER)[number].raw)


def test_a_second_mails_commands_share_a_packet() -> None:
    outcomes, server = send_through_pool([MAIL, OTHER], usual_replies)
    (packets,) = server.connections

    assert [outcome.state for outcome in outcomes] == [SENT, SENT]
    assert packets[-3] == group(1) + b"<bob@lab.example>\r\nDATA\r\n"


def test_a_dot_that_begins_a_line_goes_out_twice() -> None:
    _, server = send_through_pool([MAIL], usual_replies)

    assert b"Subject: one\r\n\r\n..a line with a dot\r\n.\r\n" in server.connections[0]


@pytest.mark.parametrize("to_data", [b"554 5.5.1 no valid recipients\r\n", b"503 5.5.1 nobody to send to\r\n"])
def test_a_refused_recipient_costs_neither_connection_nor_the_next_mail(to_data: bytes) -> None:
    def answer(packet: bytes) -> bytes | None:
        return b"250 ok\r\n550 5.1.1 who?\r\n" + to_data if packet.startswith(group(1)) else usual_replies(packet)

    outcomes, server = send_through_pool([MAIL, OTHER, MAIL], answer)

    assert [(outcome.state, outcome.status) for outcome in outcomes] == [
        (SENT, "2.0.0"),
        (REJECTED, "5.1.1"),
        (SENT, "2.0.0"),
    ]
    assert len(server.connections) == 1


def test_content_is_never_sent_for_a_refused_recipient_even_on_request() -> None:
    def answer(packet: bytes) -> bytes | None:
        return b"250 ok\r\n550 5.1.1 who?\r\n354 go on\r\n" if packet.startswith(group(1)) else usual_replies(packet)

    outcomes, server = send_through_pool([MAIL, OTHER, MAIL], answer)

    assert [outcome.state for outcome in outcomes] == [SENT, REJECTED, SENT]
    assert len(server.connections) == 2
    assert not any(b"Subject: two" in packet for packets in server.connections for packet in packets)


def test_a_server_that_cuts_a_pipelined_group_is_spoken_to_step_by_step() -> None:
    def answer(packet: bytes) -> bytes | None:
        return None if b"bob@" in packet else usual_replies(packet)

    outcomes, server = send_through_pool([MAIL, OTHER], answer)

    assert outcomes[1].state == DEFERRED
    assert outcomes[1].reply.startswith("lost at RCPT")
    assert not outcomes[1].server_trouble
    assert server.connections[1][-1] == b"RCPT TO:<bob@lab.example>\r\n"


def test_a_cut_after_the_content_is_uncertain() -> None:
    outcomes, _ = send_through_pool(
        [MAIL, OTHER], lambda packet: None if b"Subject: two" in packet else usual_replies(packet)
    )

    assert [outcome.state for outcome in outcomes] == [SENT, UNCERTAIN]


def test_a_lease_that_expires_before_the_354_sends_no_content() -> None:
    outcomes, server = send_through_pool([MAIL, OTHER], usual_replies, allowed=[True, True, True, False])

    assert outcomes[1].state == DEFERRED
    assert not any(b"Subject: two" in packet for packets in server.connections for packet in packets)


def test_a_server_that_says_goodbye_between_mails_loses_none() -> None:
    def answer(packet: bytes) -> bytes | None:
        replies = usual_replies(packet)
        return replies + b"421 4.4.2 idle for too long\r\n" if replies and b"Subject: one" in packet else replies

    outcomes, server = send_through_pool([MAIL, OTHER], answer, pause=0.05)

    assert [outcome.state for outcome in outcomes] == [SENT, SENT]
    assert len(server.connections) == 2


@pytest.mark.parametrize("words", [b"what?\r\n", b"25", b"250-" + b"x" * 40_000 + b"\r\n", b"250:ok\r\n"])
def test_an_answer_to_the_content_that_is_none_is_uncertain(words: bytes) -> None:
    outcomes, _ = send_through_pool([MAIL], lambda packet: words if b"Subject:" in packet else usual_replies(packet))

    assert outcomes[0].state == UNCERTAIN
