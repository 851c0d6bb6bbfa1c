"""`TusUser`: a user of Locust that uploads as clients of tus do, and verifies every byte.

from tus_conformance.load import TusUser

class Uploader(TusUser):
    host = "http://127.0.0.1:1080/files/"
"""

from __future__ import annotations

import itertools
import ssl
from collections import deque
from collections.abc import Mapping
from random import Random
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent.pool import Group
from geventhttpclient.client import HTTPClientPool
from locust import FastHttpUser, task

from tus_conformance.load import run_events
from tus_conformance.load.content import WORKER_SHIFT, JoinedContent, UploadContent
from tus_conformance.load.mix import Mix
from tus_conformance.load.read_back import CompleteUpload, Downloads, ReadBack
from tus_conformance.load.requests import TusRequests
from tus_conformance.load.upload_plan import (
    UploadPlan,
    choose_task,
    plan_abandoned,
    plan_parts,
    plan_upload,
)
from tus_conformance.load.upload_task import Client, ServerOffer, UploadTask
from tus_conformance.targets.profile import Profile

_upload_count = itertools.count(1)
_user_count = itertools.count(1)
_downloads: dict[str, Downloads] = {}
_MAX_ABANDONED = 200


class TusUser(FastHttpUser):
    """A user that uploads to `host`, a creation URL; subclass it in a locustfile.

    `mix` is what it does, by default that of `--tus-mix`; `profile` what is known of the server,
    and `upload_headers` go with every request. The tallies of all users are in the run record,
    which `--tus-record FILE` writes.
    """

    abstract = True
    mix: Mix | None = None
    profile: Profile = Profile()
    upload_headers: Mapping[str, str] = {}

    # Redirects are not followed: a client of tus must not send a PATCH to elsewhere.
    max_redirects = 0
    network_timeout = 60.0
    connection_timeout = 30.0

    def __init__(self, environment: Any) -> None:
        tls, proxy = self.profile.tls, self.profile.proxy
        self.insecure = tls.insecure
        address = urlsplit(proxy) if proxy else None
        # A pool for each user: connections are shared as little as those of real clients.
        self.client_pool = HTTPClientPool(
            concurrency=10,
            block_size=65536,
            connection_timeout=self.connection_timeout,
            network_timeout=self.network_timeout,
            insecure=tls.insecure,
            ssl_context_factory=self._make_tls_context,
            proxy_host=address.hostname if address else None,
            proxy_port=(address.port or 3128) if address else None,
            proxy_user=address.username if address else None,
            proxy_password=address.password if address else None,
        )
        super().__init__(environment)
        options = environment.parsed_options
        self._mix = self.mix or run_events.chosen_mix(options)
        self._seed = run_events.chosen_seed(options)
        worker = run_events.worker_number(environment.runner)
        self._first_number = worker << WORKER_SHIFT
        self._random = Random(f"{self._seed}/{worker}/{next(_user_count)}")  # noqa: S311
        self._requests = TusRequests(
            self.client,
            str(self.host),
            {**self.profile.headers, **self.upload_headers},
            self.profile.origins,
        )
        self._read_back = ReadBack(
            self._requests,
            self.profile,
            _downloads.setdefault(str(self.host), Downloads()),
            run_events.tally,
            gevent.sleep,
        )
        self._kept: deque[CompleteUpload] = deque()
        self._abandoned: deque[str] = deque(maxlen=_MAX_ABANDONED)
        self._offer = ServerOffer()

    def wait_time(self) -> float:
        """Return how long the user rests before its next task, in seconds."""
        return self._random.uniform(self._mix.pause.shortest, self._mix.pause.longest)

    def on_start(self) -> None:
        """Ask what the server offers."""
        self._offer = ServerOffer.from_reply(self._requests.options(), self.profile.max_size)

    @task
    def use_server(self) -> None:
        """Do one thing of the mix."""
        chosen = choose_task(self._mix, self._random)
        limit = self._offer.max_size
        try:
            if chosen == "parallel" and "concatenation" in self._offer.extensions:
                self._upload_parallel(plan_parts(self._mix, self._random, limit=limit))
            elif chosen == "abandon":
                self._abandon(plan_abandoned(self._mix, self._random, limit=limit))
            elif chosen == "download" and self._retained():
                self._download()
            else:
                at_creation = chosen == "upload_at_creation"
                plan = plan_upload(self._mix, self._random, limit=limit, at_creation=at_creation)
                self._upload(plan)
        except gevent.GreenletExit:
            run_events.tally.count("uploads_interrupted", chosen != "download")
            raise

    def on_stop(self) -> None:
        """Compare the kept uploads once more, and remove what this user created."""
        for upload in self._kept:
            if self._read_back.is_retained(upload):
                self._read_back.verify(upload, "verify at the end")
            self._remove(upload.url, *upload.partials)
        self._kept.clear()
        self._remove(*self._abandoned)

    def _upload(self, plan: UploadPlan) -> None:
        task_ = self._new_task(plan)
        if task_.run():
            assert task_.url is not None
            content = task_.content
            self._complete(CompleteUpload(task_.url, content.number, content, plan.size))
        elif task_.url is not None:
            self._abandoned.append(task_.url)

    def _upload_parallel(self, plans: tuple[UploadPlan, ...]) -> None:
        tasks = [self._new_task(plan) for plan in plans]
        group = Group()
        try:
            results = [group.spawn(each.run, "partial") for each in tasks]
            group.join()
        finally:
            group.kill()
        partials = tuple(each.url for each in tasks if each.url is not None)
        if not all(each.value is True for each in results):
            self._abandoned.extend(partials)
            return
        urls = " ".join(urlsplit(each).path for each in partials)
        _, url = self._requests.create(
            0, kind="concatenate", metadata=self.profile.metadata or "", concat=f"final;{urls}"
        )
        if url is None:
            run_events.tally.count("uploads_failed")
            self._abandoned.extend(partials)
            return
        run_events.tally.count("uploads_created")
        run_events.tally.count("uploads_concatenated")
        content = JoinedContent(tuple((each.content, each.plan.size) for each in tasks))
        number, size = tasks[0].content.number, sum(each.plan.size for each in tasks)
        self._complete(CompleteUpload(url, number, content, size, partials))

    def _abandon(self, plan: UploadPlan) -> None:
        task_ = self._new_task(plan)
        if task_.run():
            run_events.tally.count("uploads_abandoned")
        if task_.url is not None:
            self._abandoned.append(task_.url)

    def _complete(self, upload: CompleteUpload) -> None:
        run_events.tally.count("uploads_completed")
        if self._random.random() < self._mix.verify:
            self._read_back.verify(upload, "verify")
        self._kept.append(upload)
        while len(self._kept) > self._mix.keep:
            oldest = self._kept.popleft()
            # A server may keep a concatenation as references to its parts, so it goes first.
            self._remove(oldest.url, *oldest.partials)

    def _download(self) -> None:
        upload = self._random.choice(self._retained())
        run_events.tally.count("downloads")
        if self._random.random() < 0.5:
            self._read_back.verify(upload, "download")
        else:
            start = self._random.randrange(upload.size) if upload.size else 0
            stop = self._random.randint(start, upload.size)
            self._read_back.verify_range(upload, start, stop)

    def _retained(self) -> list[CompleteUpload]:
        return [each for each in self._kept if self._read_back.is_retained(each)]

    def _remove(self, *urls: str) -> None:
        if self.profile.cleanup != "remove" or "termination" not in self._offer.extensions:
            return
        for url in urls:
            if self._requests.delete(url).is_success:
                run_events.tally.count("uploads_removed")

    def _new_task(self, plan: UploadPlan) -> UploadTask:
        client = Client(
            self._requests, self._offer, self._mix, run_events.tally, self._random, gevent.sleep
        )
        content = UploadContent(self._seed, self._first_number + next(_upload_count))
        return UploadTask(client, content, plan, self.profile.metadata or "")

    def _make_tls_context(self, cafile: str | None = None) -> ssl.SSLContext:
        """Return how TLS is spoken: by the system's certificates and the profile."""
        tls = self.profile.tls
        context = ssl.create_default_context()
        if tls.ca is not None:
            context.load_verify_locations(tls.ca)
        elif cafile is not None:
            context.load_verify_locations(cafile)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
        if tls.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
