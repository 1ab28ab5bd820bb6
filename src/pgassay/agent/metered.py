"""A model whose every request is paid from the shared budget before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from pgassay.agent.budget import Ledger

ANSWER = 8_192  # tokens
_FRAME = 1_000  # tokens that a provider adds of its own: the frame of tools and roles


class Metered(WrapperModel):
    """Reserves what a request can take at most: a token is at least one byte, so bytes bound them from above.

    From the second request on the first part is known: what the provider counted then.
    """

    def __init__(self, wrapped: Model, ledger: Ledger) -> None:
        super().__init__(wrapped)
        self._ledger = ledger
        self.used = 0  # tokens of this model's own requests: others pay from the ledger, too
        self._known = (0, 0)  # bytes of the last request, and the input tokens that it was

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """Ask. Raises OverBudget instead where that could cost more than there is."""
        size = _size(messages, model_request_parameters)
        before, tokens = self._known
        bound = tokens + size - before + _FRAME if 0 < before <= size else size + _FRAME
        async with self._ledger.hold(bound, ANSWER) as held:
            settings: Mapping[str, Any] = {**(model_settings or {}), "max_tokens": held.output}
            response = await self.wrapped.request(messages, cast(ModelSettings, settings), model_request_parameters)
            usage = response.usage
            if usage.input_tokens or usage.output_tokens:
                held.used = usage.input_tokens + usage.output_tokens
                self._known = (size, usage.input_tokens) if usage.input_tokens else (0, 0)
            else:  # a provider that does not count is taken to have used it all
                held.used = held.input + held.output
            self.used += held.used
        return response


def _size(messages: list[ModelMessage], parameters: ModelRequestParameters) -> int:
    tools = sum(
        len(tool.name) + len((tool.description or "").encode()) + len(str(tool.parameters_json_schema).encode())
        for tool in (*parameters.function_tools, *parameters.output_tools)
    )
    return len(ModelMessagesTypeAdapter.dump_json(messages)) + tools
