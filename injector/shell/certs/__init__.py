"""
The webhook's certificate in a cluster: asked for, proved, stored, trusted, renewed. Plans here, effects in ``running``.

A plan is a generator that describes each step (``steps.Call``, ``Pause``, …) and is told what came of it; only
``running`` touches the network, the clock or a file. Making keys and proving certificates is computation.

    setups      the whole way: inspect, judge, issue, store, publish, prove, tidy up
    requests    a CertificateSigningRequest: create, approve only what is ours, wait
    storing     the new pair: trust first, use second
    webhooks    ``caBundle`` of the webhook entries that call our Service
    watching    modes in which another makes the pair: look, change nothing
    statuses    what there is, and what is amiss
    judging     is a stored pair good?            records    a pair as a Secret
    proofs      handshakes as the API server's    bundles    authorities, and which to keep
    minting     keys, requests, own authorities   calls      which refusals to repeat, which to name
"""
