"""The command: what it prints where, and with which exit code it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import villa_backend_sdk
from tests.support import answers
from tests.support.scripted import ScriptedTokens, ScriptedTransport, answer
from villa_backend_sdk import cli
from villa_backend_sdk.client import VillaClient
from villa_backend_sdk.errors import NetworkError
from villa_backend_sdk.transport import Response

pytestmark = pytest.mark.unit

ENVIRONMENT = {"VILLA_BASE_URL": "https://backend.villa.example"}
CART = {"branch": "SUKHUMVIT-11", "lines": [{"sku": "MANGO-1KG", "quantity": 2}]}


def villa(*arguments: str, outcomes: tuple[Response | Exception, ...] = ()) -> int:
    wire = ScriptedTransport(*outcomes)
    return cli.main(arguments, ENVIRONMENT, lambda _: VillaClient(wire, ScriptedTokens()))


@pytest.fixture
def cart_file(tmp_path: Path) -> str:
    path = tmp_path / "cart.json"
    path.write_text(json.dumps(CART))
    return str(path)


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        villa("--version")

    assert exited.value.code == 0
    assert capsys.readouterr().out == f"villa {villa_backend_sdk.__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("sell",), ("product",), ("checkout", "x", "--method", "shells")])
def test_a_wrong_command_line_ends_with_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        villa(*arguments)

    assert exited.value.code == cli.MISUSED
    assert "usage: villa" in capsys.readouterr().err


def test_products_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    page = answer(200, {"items": [answers.product(), answers.product("RICE-5KG", 18500)]})

    assert villa("products", "--search", "m", outcomes=(page,)) == cli.DONE
    assert capsys.readouterr().out.splitlines() == [
        "MANGO-1KG\t129.50 THB\tNam Dok Mai mango, 1 kg",
        "RICE-5KG\t185.00 THB\tNam Dok Mai mango, 1 kg",
    ]


@pytest.mark.parametrize(("stock", "text"), [(8, "stock: 8"), (None, "stock: not counted")])
def test_a_product_is_shown(stock: int | None, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert villa("product", "MANGO-1KG", outcomes=(answer(200, answers.product(stock=stock)),)) == cli.DONE
    assert capsys.readouterr().out.endswith(f"{text}\n")


def test_a_cart_is_priced(cart_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert villa("validate", cart_file, outcomes=(answer(200, answers.validated_cart()),)) == cli.DONE
    assert capsys.readouterr().out.splitlines() == [
        "2 x MANGO-1KG\t259.00 THB",
        "1 x RICE-5KG\t185.00 THB",
        "discount\t10.00 THB",
        "total\t434.00 THB",
    ]


def test_a_rejected_cart_ends_with_1(cart_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    rejected = answer(200, answers.validated_cart(problems=[answers.out_of_stock()]))

    assert villa("validate", cart_file, outcomes=(rejected,)) == cli.REFUSED
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "villa: MANGO-1KG: only 1 left\n")


@pytest.mark.parametrize(
    ("payment", "text"),
    [
        (answers.payment(), "payment pay-9 is authorised: order ord-5"),
        (
            answers.payment(status="pending", order_id=None, redirect_url="https://pay.example/9"),
            "payment pay-9 is pending: confirm it at https://pay.example/9",
        ),
    ],
)
def test_a_checkout_tells_what_became_of_it(
    payment: dict[str, Any], text: str, cart_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = (answer(200, answers.validated_cart()), answer(200, payment))

    assert villa("checkout", cart_file, "--method", "promptpay", outcomes=outcomes) == cli.DONE
    assert capsys.readouterr().out == f"{text}\n"


def test_an_order_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert villa("order", "ord-5", outcomes=(answer(200, answers.order()),)) == cli.DONE
    assert capsys.readouterr().out.splitlines()[0] == "order ord-5 is placed"


def test_a_broken_network_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert villa("order", "ord-5", outcomes=(NetworkError("connection reset"),)) == cli.REFUSED
    assert capsys.readouterr().err == "villa: connection reset\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a cart"),
        ("[]", "expected an object"),
        ('{"branch": "B", "lines": []}', "at least one line"),
        ('{"branch": "B", "lines": [{"sku": "A", "quantity": 0}]}', "at least 1"),
    ],
)
def test_a_file_that_is_no_cart_ends_with_2(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cart.json"
    path.write_text(text)

    assert villa("validate", str(path)) == cli.MISUSED
    assert message in capsys.readouterr().err


def test_a_missing_file_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert villa("validate", str(tmp_path / "none.json")) == cli.MISUSED
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "VILLA_BASE_URL"),
        ({**ENVIRONMENT, "VILLA_USERNAME": "somchai"}, "VILLA_PASSWORD is not"),
        ({**ENVIRONMENT, "VILLA_USERNAME": "somchai", "VILLA_PASSWORD": "x"}, "VILLA_USER_POOL_CLIENT_ID"),
    ],
)
def test_a_missing_setting_ends_with_2(
    environment: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["products"], environment) == cli.MISUSED
    assert message in capsys.readouterr().err


def test_without_a_user_nobody_signs_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["order", "ord-5"], ENVIRONMENT) == cli.REFUSED
    assert "needs a signed-in user" in capsys.readouterr().err
