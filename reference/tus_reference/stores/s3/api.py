"""`S3API`: the calls to S3 that the store makes, as boto3's client offers them.

Arguments and answers are S3's own, named as in its documentation. A client of boto3 fits, and
so does whatever wraps one, to count calls or to make them fail. Implementations are called
from many threads at once and raise botocore's exceptions.
"""

from __future__ import annotations

from typing import Any, Protocol


class S3API(Protocol):
    """S3, as far as it is needed here."""

    def create_multipart_upload(self, **arguments: Any) -> Any:
        """Begin a multipart upload."""

    def upload_part(self, **arguments: Any) -> Any:
        """Store a part of it."""

    def upload_part_copy(self, **arguments: Any) -> Any:
        """Store a part of it that is already in S3."""

    def complete_multipart_upload(self, **arguments: Any) -> Any:
        """Make an object of its parts."""

    def abort_multipart_upload(self, **arguments: Any) -> Any:
        """Drop it with its parts."""

    def list_parts(self, **arguments: Any) -> Any:
        """List its parts, 1,000 at a time."""

    def list_multipart_uploads(self, **arguments: Any) -> Any:
        """List the multipart uploads under way, 1,000 at a time."""

    def put_object(self, **arguments: Any) -> Any:
        """Store an object."""

    def get_object(self, **arguments: Any) -> Any:
        """Read an object."""

    def head_object(self, **arguments: Any) -> Any:
        """Look an object up."""

    def delete_object(self, **arguments: Any) -> Any:
        """Remove an object."""
