"""The ``villa`` command: data on stdout, trouble on stderr, an exit code that scripts can use."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from villa_backend_sdk._version import __version__
from villa_backend_sdk.checkout import check_out
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.cognito import CognitoSession, Credentials
from villa_backend_sdk.config import ClientConfig
from villa_backend_sdk.decoding import JsonObject
from villa_backend_sdk.errors import ConfigurationError, DecodeError, VillaError
from villa_backend_sdk.models import Cart, PaymentMethod

DONE = 0
REFUSED = 1
"""The backend, Cognito or the network said no."""
MISUSED = 2
"""The command line, a setting or an input file is wrong; nothing was sent."""

Connect = Callable[[Mapping[str, str]], VillaClient]


def connect_from(environment: Mapping[str, str]) -> VillaClient:
    """A client as the environment describes it, signed in where it names a user."""
    config = ClientConfig.from_environment(environment)
    username, password = environment.get("VILLA_USERNAME"), environment.get("VILLA_PASSWORD")
    if not username:
        return VillaClient.connect(config)
    if not password:
        raise ConfigurationError("VILLA_USERNAME is set, VILLA_PASSWORD is not")
    return VillaClient.connect(config, CognitoSession.connect(config, Credentials(username, password)))


def main(arguments: Sequence[str], environment: Mapping[str, str], connect: Connect = connect_from) -> int:
    """Carry out one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        with connect(environment) as client:
            for line in options.command(client, options):
                print(line)
    except ConfigurationError as error:
        print(f"villa: {error}", file=sys.stderr)
        return MISUSED
    except VillaError as error:
        print(f"villa: {error}", file=sys.stderr)
        return REFUSED
    return DONE


def entry_point() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:], os.environ))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="villa", description="Talk to the Villa backend.")
    parser.add_argument("--version", action="version", version=f"villa {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    products = commands.add_parser("products", help="list the catalogue")
    products.add_argument("--branch")
    products.add_argument("--search")
    products.set_defaults(command=_products)

    product = commands.add_parser("product", help="show one product")
    product.add_argument("sku")
    product.set_defaults(command=_product)

    validate = commands.add_parser("validate", help="have a cart priced and checked")
    validate.add_argument("cart", type=Path, help="a JSON file with branch, lines and, perhaps, coupon")
    validate.set_defaults(command=_validate)

    checkout = commands.add_parser("checkout", help="validate a cart and pay for it")
    checkout.add_argument("cart", type=Path)
    checkout.add_argument("--method", choices=[method.value for method in PaymentMethod], default="card")
    checkout.add_argument("--idempotency-key", help="the same key never pays twice")
    checkout.set_defaults(command=_checkout)

    order = commands.add_parser("order", help="show one order")
    order.add_argument("order_id")
    order.set_defaults(command=_order)
    return parser


def _products(client: VillaClient, options: argparse.Namespace) -> list[str]:
    return [
        f"{product.sku}\t{product.unit_price}\t{product.name}"
        for product in client.products.all(options.branch, options.search)
    ]


def _product(client: VillaClient, options: argparse.Namespace) -> list[str]:
    product = client.products.get(options.sku)
    stock = "not counted" if product.stock is None else str(product.stock)
    return [f"{product.sku}\t{product.unit_price}\t{product.name}\tstock: {stock}"]


def _validate(client: VillaClient, options: argparse.Namespace) -> list[str]:
    cart = client.carts.validate(_read_cart(options.cart)).require_valid()
    lines = [f"{line.quantity} x {line.sku}\t{line.total}" for line in cart.lines]
    return [*lines, f"discount\t{cart.discount}", f"total\t{cart.total}"]


def _checkout(client: VillaClient, options: argparse.Namespace) -> list[str]:
    cart = _read_cart(options.cart)
    payment = check_out(client, cart, PaymentMethod(options.method), options.idempotency_key)
    if payment.redirect_url:
        return [f"payment {payment.payment_id} is {payment.status.value}: confirm it at {payment.redirect_url}"]
    return [f"payment {payment.payment_id} is {payment.status.value}: order {payment.order_id}"]


def _order(client: VillaClient, options: argparse.Namespace) -> list[str]:
    order = client.orders.get(options.order_id)
    lines = [f"{line.quantity} x {line.sku}\t{line.total}" for line in order.lines]
    return [f"order {order.order_id} is {order.status.value}", *lines, f"total\t{order.total}"]


def _read_cart(path: Path) -> Cart:
    try:
        return Cart.from_json(JsonObject(json.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (ValueError, DecodeError) as error:
        raise ConfigurationError(f"{path} is not a cart: {error}") from error
