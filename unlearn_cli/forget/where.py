"""Rows that a condition on the columns of the data is true of."""

from pydantic import Field, field_validator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.query import Query

KEY = "forget.query"


class Where(Selector):
    """Training rows that meet `query`."""

    query: str = Field(
        min_length=1,
        description="condition on columns: ==, !=, <, <=, >, >=, in (…), joined by and, or, not; texts in "
        "quotes, names of columns that are no words in backticks",
    )

    @field_validator("query")
    @classmethod
    def _is_condition(cls, query: str) -> str:
        Query.parsed(KEY, query)
        return query

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        met = Query.parsed(KEY, self.query).rows(data.columns)
        return self.forget_set("where", splits.train[met[splits.train]], data, splits)
