"""Documents that the fuzzing of parsers begins with: one small, sound one in each form that the product reads."""

from __future__ import annotations

import json

ATOM = b"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom"
 xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"><opensearch:totalResults>1</opensearch:totalResults>
<entry><id>http://arxiv.org/abs/2511.00001v2</id><title>Linear $\\alpha$ bandits</title>
<updated>2025-11-17T18:00:00Z</updated><published>2025-11-14T18:00:00Z</published>
<summary>We study &lt;b&gt;bandits&lt;/b&gt; &amp; more.</summary><author><name>Ada Byron</name></author>
<arxiv:doi>10.1000/xyz</arxiv:doi><category term="cs.LG"/></entry></feed>"""
RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
<title>cs.LG updates</title><pubDate>Mon, 17 Nov 2025 00:00:00 -0500</pubDate>
<item><title>Linear bandits</title><link>https://arxiv.org/abs/2511.00001</link>
<description>arXiv:2511.00001v1 Announce Type: new&#10;Abstract: We study bandits.</description>
<guid isPermaLink="false">oai:arXiv.org:2511.00001v1</guid><category>cs.LG</category>
<pubDate>Mon, 17 Nov 2025 00:00:00 -0500</pubDate><arxiv:announce_type>new</arxiv:announce_type>
<dc:creator>Ada Byron, Bob Coe</dc:creator></item></channel></rss>"""
OAI = b"""<?xml version="1.0" encoding="UTF-8"?>
<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2025-11-17T00:00:00Z</responseDate><ListRecords>
<record><header><identifier>oai:arXiv.org:2511.00001</identifier><datestamp>2025-11-17</datestamp></header><metadata>
<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2511.00001</id><version version="v1">
<date>Fri, 14 Nov 2025 18:00:00 GMT</date></version><title>Linear bandits</title>
<authors>Ada Byron and Bob Coe</authors><categories>cs.LG stat.ML</categories>
<abstract>We study bandits.</abstract></arXivRaw></metadata></record>
<resumptionToken>verb%3DListRecords%26skip%3D1</resumptionToken></ListRecords></OAI-PMH>"""
_PAPER = {
    "id": "2511.00001",
    "title": "Linear bandits",
    "abstract": "We study bandits.",
    "summary": "We study bandits.",
    "authors": [{"name": "Ada Byron"}],
    "publishedAt": "2025-11-17T00:00:00.000Z",
    "upvotes": 7,
}
JSON = [
    json.dumps(document).encode()
    for document in (
        [{"paper": _PAPER, "numComments": 1, "publishedAt": "2025-11-17T00:00:00.000Z"}],
        {
            "collection": [
                _PAPER | {"doi": "10.1101/2025.11.17.1", "date": "2025-11-17", "server": "biorxiv", "version": "1"}
            ]
        },
        {
            "results": [_PAPER | {"doi": "https://doi.org/10.1000/1", "cited_by_count": 1, "authorships": []}],
            "meta": {},
        },
        [{"paperId": "a", "externalIds": {"ArXiv": "2511.00001"}, "citationCount": 3, "tldr": {"text": "Bandits."}}],
        _PAPER | {"authors": ["Ada Byron"], "announced": "2025-11-17"},
    )
]
PUBMED = b"""<?xml version="1.0"?><!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "x.dtd">
<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">123</PMID><Article><Journal><Title>J Bandits</Title>
<JournalIssue><PubDate><Year>2025</Year><Month>Nov</Month></PubDate></JournalIssue></Journal>
<ArticleTitle>Linear <i>bandits</i></ArticleTitle><ELocationID EIdType="doi">10.1000/xyz</ELocationID>
<Abstract><AbstractText Label="METHODS">We study.</AbstractText></Abstract><AuthorList><Author>
<LastName>Byron</LastName><ForeName>Ada</ForeName></Author></AuthorList><Language>eng</Language></Article></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="doi">10.1000/xyz</ArticleId></ArticleIdList></PubmedData></PubmedArticle>
</PubmedArticleSet>"""
ESEARCH = b'{"esearchresult": {"count": "1", "querykey": "1", "webenv": "MCID_1", "idlist": ["123"]}}'
JOURNAL_FEED = b"""<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>J Bandits</title></channel>
<item rdf:about="https://j.example/1"><title>Linear &lt;i&gt;bandits&lt;/i&gt;</title><link>https://j.example/1?utm_source=x</link>
<dc:identifier>doi:10.1000/xyz</dc:identifier><prism:doi>10.1000/xyz</prism:doi><dc:date>2025-11-17</dc:date>
<dc:creator>Ada Byron</dc:creator><description>J Bandits, Published online: 17 November 2025; We study.</description>
</item></rdf:RDF>"""
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "J Bandits",
        "items": [
            {"id": "1", "url": "https://j.example/1", "title": "Linear bandits", "content_html": "<p>We study.</p>"}
        ],
    }
).encode()
WEB_PAGE = b'<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head></html>'
CROSSREF = json.dumps(
    {
        "message": {
            "DOI": "10.1000/xyz",
            "title": ["Linear bandits"],
            "abstract": "<jats:p>We study.</jats:p>",
            "author": [{"given": "Ada", "family": "Byron"}],
            "published": {"date-parts": [[2025, 11, 17]]},
        }
    }
).encode()
DOCUMENTS = [ATOM, RSS, OAI, PUBMED, *JSON]
FEEDS = [ATOM, RSS, JOURNAL_FEED, JSON_FEED, WEB_PAGE]

BIBTEX = b"""@string{j = {J. Bandits}}
@article{byron2025, title = {{L}inear \\"o bandits}, author = {Byron, Ada and Coe, Bob}, year = 2025, journal = j #{ X},
  doi = {10.1000/xyz}, eprint = {2511.00001}}"""
RIS = b"TY  - JOUR\nTI  - Linear bandits\nAU  - Byron, Ada\nPY  - 2025\nDO  - 10.1000/xyz\nER  - \n"
MEDLINE = (
    b"PMID- 123\nTI  - Linear bandits in\n      medicine\nAB  - We study.\nAU  - Byron A\nLID - 10.1000/xyz [doi]\n"
)
ENDNOTE = b"<xml><records><record><titles><title>Linear bandits</title></titles></record></records></xml>"
CSL = b'[{"type": "article", "title": "Linear bandits", "DOI": "10.1000/xyz", "author": [{"family": "Byron"}]}]'
IDENTIFIERS = b"2511.00001\nhttps://doi.org/10.1000/xyz\nPMID: 123\n"
TABLE = b"title,doi,authors\nLinear bandits,10.1000/xyz,Ada Byron\n"
LIBRARIES = [BIBTEX, RIS, MEDLINE, ENDNOTE, CSL, IDENTIFIERS, TABLE]

BOUNCE = b"""Return-Path: <>\r
From: MAILER-DAEMON@mx.example (Mail Delivery System)\r
To: bounces+5-abcdefghij@digest.example\r
Subject: Undelivered Mail Returned to Sender\r
Content-Type: multipart/report; report-type=delivery-status; boundary="x"\r
\r
--x\r
Content-Type: text/plain; charset=utf-8\r
\r
<ada@one.example>: host mx said: 550 5.1.1 User unknown\r
--x\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; ada@one.example\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 User unknown\r
--x\r
Content-Type: message/rfc822\r
Content-Transfer-Encoding: quoted-printable\r
\r
Message-ID: <digest.5.abcdefghijklmnopqrstuvwxyz@digest.example>\r
Subject: =?utf-8?q?7_papers?=\r
\r
--x--\r
"""
SES = json.dumps(
    {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": "a@b.example", "status": "5.1.1"}],
        },
        "mail": {"source": "x@digest.example", "headers": [{"name": "Message-ID", "value": "<a@b>"}]},
    }
).encode()
SNS = json.dumps(
    {
        "Type": "Notification",
        "MessageId": "22b80b92",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:bounces",
        "Message": SES.decode(),
        "Timestamp": "2025-11-17T07:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "AAAA",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
    }
).encode()
REPLIES = [
    b"550 5.1.1 <ada@one.example>: Recipient address rejected: User unknown in local recipient table",
    b"421-4.7.0 [203.0.113.7 15] Our system has detected an unusual rate\n421 4.7.0 of mail. https://support.example",
    b"552 5.2.2 mailbox full",
]
LOG_LINES = [
    b"2025-11-17T07:00:03+00:00 mx postfix/smtp[3]: 4A1B2C3D4E: to=<a@b.example>, dsn=2.0.0, status=sent (250 ok)",
    b"2025-11-17 07:00:03 1vKt3C-0000AB-1X <= b@digest.example H=localhost id=digest.7.abc@digest.example",
    b"Nov 17 07:00:03 mx smtpd[9]: 5a smtp envelope evpid=b1 from=<b+7-aaaaaaaaaa@x.org> to=<a@b.example>",
    b'{"message_id": "<a@b>", "recipient": "a@b.example", "at": "2025-11-17T07:00:03Z"}',
]
QUERIES = [
    b'"diffusion model*" AND (protein OR molecule) ANDNOT survey',
    b'ti:"linear bandits" OR au:"Yingbin Liang" ANDNOT cat:cs.LG has:code',
]
TEX = [b"$\\mathcal{O}(n^{2})$ and \\textbf{bold \\'{e}} \\frac{1}{2} {\\it x} \\\\ \\begin{x}"]
AUTHORS = [
    b"Ada Byron (1, 2), Bob van der Coe (2) ((1) Institute of X, (2) Y) and Wei Wang",
    "Łukasz Kaiser, 王伟".encode(),
]
