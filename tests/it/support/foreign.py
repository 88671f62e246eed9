"""Foreign clients for the tests: pika speaks AMQP, the cloudevents package writes and reads the events.

usage: foreign.py PORT

One command a line in, one JSON answer a line out, each over a connection of its own. Ends with its standard input.
Nothing of dunlin is used here: what this program cannot read, somebody else's program cannot read either.
"""

import json
import sys
import time

import pika
from cloudevents.core.bindings import amqp, rabbitmq
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def encoded(message):
    """Body, content type and headers of a message in the mode that it names."""
    mode = message["mode"]
    if mode == "raw":
        return message["body"].encode(), message.get("content_type"), message.get("headers") or {}
    if mode == "structured":
        # By hand: what a publisher without any library sends.
        return json.dumps(message["event"]).encode(), "application/cloudevents+json", {}
    fields = dict(message["event"])
    data = fields.pop("data")
    event = JSONFormat().read(CloudEvent, json.dumps({**fields, "data": data}))
    if mode == "binary":
        made = rabbitmq.to_binary_event(event)
        return made.body, made.content_type, made.headers
    if mode == "binary-amqp":
        made = amqp.to_binary_event(event)
        return made.application_data, made.properties["content-type"], made.application_properties
    raise ValueError(mode)


def publish(channel, command):
    """With confirms: an answer means that the broker has all of them."""
    channel.confirm_delivery()
    for message in command["messages"]:
        body, content_type, headers = encoded(message)
        user = message.get("user_id")
        properties = pika.BasicProperties(content_type=content_type, headers=headers, delivery_mode=2, user_id=user)
        channel.basic_publish(command["exchange"], message["key"], body, properties, mandatory=True)
    return len(command["messages"])


def read(channel, command):
    """All messages of a queue until `wait` says that there are enough, or the time is over."""
    seen, deadline = [], time.monotonic() + command["seconds"]
    while len(seen) < command["count"] and time.monotonic() < deadline:
        method, properties, body = channel.basic_get(command["queue"], auto_ack=True)
        if method is None:
            time.sleep(0.02)
            continue
        message = rabbitmq.RabbitMQMessage(properties.headers or {}, properties.content_type, body)
        # Raises where this is no CloudEvent 1.0.
        event = rabbitmq.from_rabbitmq_event(message)
        seen.append(
            {
                "key": method.routing_key,
                "content_type": properties.content_type,
                "delivery_mode": properties.delivery_mode,
                "message_id": properties.message_id,
                "amqp_type": properties.type,
                "id": event.get_id(),
                "source": event.get_source(),
                "type": event.get_type(),
                "subject": event.get_subject(),
                "time": event.get_time().isoformat(),
                "sequence": event.get_extension("sequence"),
                "data": event.get_data(),
            }
        )
    return seen


def listen(channel, command):
    """A durable queue on the output exchange, as a reader that must not miss anything has it."""
    channel.exchange_declare(command["exchange"], "topic", durable=True)
    channel.queue_declare(command["queue"], durable=True)
    channel.queue_bind(command["queue"], command["exchange"], command.get("pattern", "#"))


def declare(channel, command):
    channel.queue_declare(command["queue"], durable=True, arguments=command.get("arguments"))


def depth(channel, command):
    return channel.queue_declare(command["queue"], passive=True).method.message_count


COMMANDS = {"publish": publish, "read": read, "listen": listen, "declare": declare, "depth": depth}


def main():
    port = int(sys.argv[1])
    for line in sys.stdin:
        command = json.loads(line)
        try:
            connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
            answer = {"answer": COMMANDS[command["do"]](connection.channel(), command)}
            connection.close()
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


main()
