"""The settings: what is read, what is refused and how it is said, what is derived."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from chatsvc.config import Settings, SettingsError, embedded_socket, reference, variable

ROOT = Path(__file__).parents[2]


def read(folder: Path, **variables: str) -> Settings:
    """The settings of an environment that names this data folder and these variables, without their prefix."""
    return Settings.from_environment(
        {"HOLDLINE_DATA_DIR": str(folder)} | {variable(name): value for name, value in variables.items()}
    )


def problems_of(folder: Path, **variables: str) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        read(folder, **variables)
    return refusal.value.problems


# Reading


def test_an_empty_environment_gives_the_embedded_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    settings = Settings.from_environment({})

    assert settings.data_dir == tmp_path / "var"
    assert settings.database_url == f"sqlite+aiosqlite:///{tmp_path}/var/holdline.db"
    assert settings.is_sqlite
    assert settings.redis_url.startswith("unix://")
    assert settings.demo
    assert settings.smtp_url is None
    assert not settings.is_https


def test_an_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert read(tmp_path, port="", smtp_url=" ").port == 8000


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = read(tmp_path)

    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sqlite:////srv/desk.db", "sqlite+aiosqlite:////srv/desk.db"),
        ("postgres://h/desk", "postgresql+asyncpg://h/desk"),
        ("postgresql://u:p@h/desk", "postgresql+asyncpg://u:p@h/desk"),
        ("postgresql+asyncpg://h/desk", "postgresql+asyncpg://h/desk"),
    ],
)
def test_the_usual_spellings_of_a_database_are_understood(tmp_path: Path, given: str, kept: str) -> None:
    assert read(tmp_path, database_url=given).database_url == kept


def test_a_database_of_ones_own_is_not_filled_with_a_demonstration(tmp_path: Path) -> None:
    assert not read(tmp_path, database_url="postgresql://h/desk").demo
    assert read(tmp_path, database_url="postgresql://h/desk", demo="yes").demo


def test_lists_are_separated_by_commas(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        base_url="https://Desk.Example",
        allowed_hosts="a.example, B.example",
        trusted_proxies="10.0.0.0/8,::1",
    )

    assert settings.allowed_hosts == ("desk.example", "a.example", "b.example")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("base_url", "origins"),
    [
        ("https://desk.example", ("https://desk.example",)),
        ("https://desk.example:8443/", ("https://desk.example:8443",)),
        (
            "http://localhost:8001",
            ("http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001"),
        ),
        ("http://[::1]:8001", ("http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001")),
    ],
)
def test_only_the_loopback_has_several_names(tmp_path: Path, base_url: str, origins: tuple[str, ...]) -> None:
    assert read(tmp_path, base_url=base_url).allowed_origins == origins


# Refusing


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "65536"),
        ("host", "localhost.example"),
        ("base_url", "desk.example"),
        ("base_url", "https://desk.example/support"),
        ("base_url", "https://desk.example:port"),
        ("database_url", "mysql://h/desk"),
        ("database_url", "sqlite://"),
        ("database_url", "sqlite:///:memory:"),
        ("redis_url", "unix://"),
        ("redis_url", "http://h"),
        ("smtp_url", "mail.example"),
        ("mail_from", "Holdline"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("catalog_path", "/no/such/file.toml"),
        ("offer_seconds", "soon"),
        ("offer_seconds", "nan"),
        ("offer_seconds", "-1"),
        ("max_frame_bytes", "64k"),
        ("demo", "perhaps"),
        ("log_level", "loud"),
        ("fail_points", "append=often"),
    ],
)
def test_a_bad_value_is_named_with_what_is_accepted(tmp_path: Path, name: str, value: str) -> None:
    (problem,) = problems_of(tmp_path, **{name: value})

    assert problem.startswith(f"{variable(name)} is {value!r}; accepted is ")


def test_all_bad_values_are_told_at_once(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, port="http", demo="perhaps", offer_secnds="3")

    assert [problem.split()[0] for problem in problems] == [
        "HOLDLINE_PORT",
        "HOLDLINE_DEMO",
        "HOLDLINE_OFFER_SECNDS",
    ]


def test_an_unknown_variable_is_answered_with_the_closest_known_one(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, offer_secnds="3")

    assert problem == "HOLDLINE_OFFER_SECNDS is not a setting; did you mean HOLDLINE_OFFER_SECONDS?"


def test_variables_of_tests_and_of_the_bootstrap_are_left_alone(tmp_path: Path) -> None:
    assert read(tmp_path, test_all="1", venv="/elsewhere").port == 8000


def test_no_password_shows_in_a_refusal_or_in_the_settings(tmp_path: Path) -> None:
    (refusal,) = problems_of(tmp_path, database_url="mysql://desk:swordfish@h/desk")
    (short,) = problems_of(tmp_path, secret_key="swordfish")
    settings = read(
        tmp_path,
        database_url="postgresql://desk:swordfish@h/desk",
        redis_url="redis://:swordfish@h",
        smtp_url="smtp://desk:swordfish@h",
        secret_key="swordfish" * 4,
    )

    assert "swordfish" not in refusal + short + repr(settings)


# The secret


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first, second = read(tmp_path).secret_key, read(tmp_path).secret_key

    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE(os.stat(tmp_path / "secret").st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_processes_that_start_together_share_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: read(tmp_path).secret_key, range(32)))

    assert len(secrets) == 1


def test_a_given_secret_leaves_no_file(tmp_path: Path) -> None:
    assert read(tmp_path, secret_key="k" * 32).secret_key == "k" * 32
    assert not list(tmp_path.iterdir())


def test_a_kept_secret_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")

    (problem,) = problems_of(tmp_path)

    assert problem.endswith("accepted is at least 32 characters.")


# The embedded Redis


def test_the_socket_lies_in_the_data_folder() -> None:
    assert embedded_socket(Path("/srv/desk")) == Path("/srv/desk/redis/redis.sock")


def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_one() -> None:
    deep, other = Path("/srv") / ("d" * 100), Path("/srv") / ("e" * 100)

    assert len(str(embedded_socket(deep))) < 100
    assert embedded_socket(deep) == embedded_socket(deep) != embedded_socket(other)


# The documentation


def test_the_reference_lists_exactly_the_settings() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")

    assert reference() in page, "draw the table anew: holdline config --reference"
