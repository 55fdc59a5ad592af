from tests.digest.web.conftest import *


def test_all(web: Browser):
    r = web.get("/")
    print(r.status_code, len(r.text))
    assert r.status_code == 200
    r = web.get("/?topics=offline+reinforcement+learning")
    assert r.status_code == 200
    for p in [
        "/trending",
        "/trending/cs.LG",
        "/papers/1",
        "/authors/Ming%20Yin",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/papers",
        "/api/v1/openapi.json",
    ]:
        r = web.get(p)
        print(p, r.status_code)
        assert r.status_code == 200, r.text
    r = web.post("/subscribe", data={"address": ADA, "topics": "diffusion model*\nprotein"})
    assert r.status_code == 200, r.text
    print(mails())
