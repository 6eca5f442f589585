"""Lambda executor that runs each execution environment as one Node process of the host.

The process reads invocations from its standard input, each as a line of JSON. All its output goes into one pipe.
Lines that start with MARK are answers, all others are the function's log. So an answer comes after the whole log of
its invocation.

Not supported, because landcover does not use them: runtimes other than Node, layers, freezing between invocations.
"""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

MARK = b"\x1elandcover "
RUNTIME = Path(__file__).with_name("runtime.mjs")
NODE = os.environ["LANDCOVER_NODE"]
INIT_LIMIT_S = config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT - 1


class Environment:
    """Node process with the function's code loaded."""

    def __init__(self, variables: dict[str, str], memory_mb: int) -> None:
        self.log: list[bytes] = []
        self._answers: queue.Queue[tuple[str, str]] = queue.Queue()
        self._process = subprocess.Popen(
            # The rest of the memory is for buffers and the program itself.
            [NODE, f"--max-old-space-size={memory_mb * 3 // 4}", str(RUNTIME)],
            cwd=variables["LAMBDA_TASK_ROOT"],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout:
            before, mark, answer = line.partition(MARK)
            if before:
                self.log.append(before)
            if mark:
                self._answers.put(tuple(json.loads(answer)))
        self._answers.put(("exited", f"exit code {self._process.wait()}"))

    def send(self, invocation: dict) -> None:
        try:
            self._process.stdin.write(json.dumps(invocation).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # The process has exited: answer() reports it.

    def answer(self, limit_s: float) -> tuple[str, str]:
        """Next answer of the process: its kind, and a JSON body, or the reason if there is no answer."""
        try:
            return self._answers.get(timeout=limit_s)
        except queue.Empty:
            return "late", f"{limit_s} seconds"

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class ProcessExecutor(RuntimeExecutor):
    """Executor interface of LocalStack. LocalStack creates one for each execution environment."""

    _environment: Environment | None = None

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._one_at_a_time = threading.Lock()
        self._variables: dict[str, str] = {}

    def start(self, env_vars: dict[str, str]) -> None:
        code = self.function_version.config.code
        code.prepare_for_execution()
        self._variables = {name: str(value) for name, value in env_vars.items()} | {
            "LAMBDA_TASK_ROOT": str(code.get_unzipped_code_location()),
            "PATH": os.environ["PATH"],
        }
        with self._one_at_a_time:
            self._initialise()

    def _initialise(self) -> None:
        self._environment = Environment(self._variables, self.function_version.config.memory_size)
        kind, body = self._environment.answer(INIT_LIMIT_S)
        if kind != "ready":
            log = b"".join(self._environment.log).decode("utf-8", "replace")
            self.stop()
            raise StatusErrorException("the function did not load", _failure("Runtime.InitError", f"{kind}: {body}\n{log}"))

    def stop(self) -> None:
        if self._environment:
            self._environment.kill()
        self._environment = None

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        with self._one_at_a_time:
            # After a crash or a timeout there is no environment.
            if not (self._environment and self._environment.is_alive()):
                self._initialise()
            return self._invoke(self._environment, payload)

    def _invoke(self, environment: Environment, payload: dict[str, str]) -> InvocationResult:
        settings = self.function_version.config
        request = payload["invoke-id"]
        environment.log.clear()
        begun = time.monotonic()
        deadline_ms = int((time.time() + settings.timeout) * 1000)
        environment.send(payload | {"deadlineMs": deadline_ms})
        kind, body = environment.answer(settings.timeout)
        took_ms = (time.monotonic() - begun) * 1000
        if kind in ("late", "exited"):
            self.stop()
            error = "Sandbox.Timedout" if kind == "late" else "Runtime.ExitError"
            body = _failure(error, f"RequestId: {request} Error: {kind}: {body}").decode()
        log = b"".join(environment.log).decode("utf-8", "replace")
        report = f"REPORT RequestId: {request} Duration: {took_ms:.2f} ms Memory Size: {settings.memory_size} MB"
        logs = f"START RequestId: {request}\n{log}END RequestId: {request}\n{report}\n"
        return InvocationResult(request, body.encode(), is_error=kind != "result", logs=logs)

    def get_logs(self) -> str:
        return b"".join(self._environment.log).decode("utf-8", "replace") if self._environment else ""

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return ""  # Not needed: answers come through the pipe.

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        pass


def _failure(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
