"""The commands. Only this module prints, and each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from label_studio_gemini.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

USER_MISTAKE = 2
INTERRUPTED = 130


def _examples(*lines: str) -> str:
    """Return the end of a help page, its lines kept apart."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


app = typer.Typer(
    name="label-studio-gemini",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Pre-label images for Label Studio with Gemini.",
    epilog=_examples(
        "label-studio-gemini demo     see it work, without a key",
        "label-studio-gemini serve    the ML backend that Label Studio connects to",
    ),
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="The YAML file.")
]


@app.command(epilog=_examples("label-studio-gemini demo --out demo"))
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path(
        "label-studio-gemini-demo"
    ),
) -> None:
    """Pre-label the bundled photos: no key, no network.

    The answers come from the photos' answer key, through the emulator, not from Gemini.
    """
    from label_studio_gemini.cli.demo import run_demo_command

    run_demo_command(out)


@app.command(
    epilog=_examples(
        "GEMINI_API_KEY=… label-studio-gemini serve",
        "GEMINI_API_KEY=… label-studio-gemini serve --config street.yaml --workers 2",
    )
)
def serve(
    config: ConfigOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535)] = 9090,
    workers: Annotated[int, typer.Option(min=1, help="How many processes.")] = 1,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning or error; else LOG_LEVEL, else info.")
    ] = None,
) -> None:
    """Run the ML backend that Label Studio connects to.

    The key comes from GEMINI_API_KEY (or GOOGLE_API_KEY); the address of Label Studio from
    LABEL_STUDIO_URL and its token from LABEL_STUDIO_API_KEY, else from the project's own setup.
    """
    from label_studio_gemini.cli.serve import run_server

    run_server(config, host=host, port=port, workers=workers, log_level=log_level)


@app.command(
    epilog=_examples(
        "label-studio-gemini predict photos/ --label-config config.xml --out tasks.json",
        "label-studio-gemini predict exported.json --label-config config.xml -c street.yaml",
    )
)
def predict(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE", help="Images, folders of images, or task JSON files."),
    ],
    *,
    label_config: Annotated[
        str, typer.Option(metavar="FILE|XML", help="The project's labelling config.")
    ],
    config: ConfigOption = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where the tasks go; - for standard output.")
    ] = Path("tasks.json"),
    document_root: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Label Studio's LOCAL_FILES_DOCUMENT_ROOT: images are addressed relative to it.",
        ),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would cost, and send nothing.")
    ] = False,
) -> None:
    """Pre-label images into a JSON file that Label Studio imports."""
    from label_studio_gemini.cli.predict import run_predict

    code = run_predict(
        sources, label_config, config, out=out, document_root=document_root, estimate=estimate
    )
    raise typer.Exit(code)


@app.command(
    epilog=_examples(
        "label-studio-gemini emulate --answers instances.json --images photos/",
        "GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:9191 GEMINI_API_KEY=any label-studio-gemini serve",
    )
)
def emulate(
    answers: Annotated[
        Path | None,
        typer.Option(metavar="COCO.json", help="The answer key; the bundled one by default."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The images that the key is about.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535)] = 9191,
) -> None:
    """Run a local stand-in for Gemini that answers from an answer key."""
    from label_studio_gemini.cli.emulate import run_emulator_command

    run_emulator_command(answers, images, host=host, port=port)


@app.command(
    epilog=_examples("label-studio-gemini cache", "label-studio-gemini cache --clear --days 7")
)
def cache(
    config: ConfigOption = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all answers.")] = False,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days to show.")] = 30,
) -> None:
    """Show what is remembered of Gemini's answers, and what was spent; or forget the answers."""
    from label_studio_gemini.cli.cache import run_cache

    run_cache(config, clear=clear, last_days=days)


@app.command(epilog=_examples("label-studio-gemini schema > label-studio-gemini.schema.json"))
def schema() -> None:
    """Print the JSON Schema of the YAML file, for editors that check and complete it."""
    import json

    from label_studio_gemini.config import build_json_schema

    typer.echo(json.dumps(build_json_schema(), indent=2))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake is one readable line, a hint, and exit code 2."""
    try:
        app(arguments, prog_name="label-studio-gemini")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BackendError as error:
        typer.secho(f"Error: {error.message}", fg="red", err=True)
        typer.secho(f"Hint: {error.hint}", err=True)
        sys.exit(USER_MISTAKE)
