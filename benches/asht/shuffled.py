"""Mean regret with earlier studies whose values were shuffled, over that without history.

shuffled.py "kolosal asht --stdio"; needs hpo_peers.py on PYTHONPATH.
"""
import sys
import hpo_peers as h, numpy as np, math
out={}
for name,mode in (('cold',None),('shuffled','s')):
    for t,mk in h.suites()['warm'].items():
        task=mk(); hist=task.history
        for s in range(10):
            if mode:
                rng=np.random.RandomState(s); task.history=[]
                for st in hist:
                    v=[x['values'] for x in st['trials']]; p=rng.permutation(len(v))
                    task.history.append(dict(space=st['space'],trials=[dict(params=x['params'],values=v[k]) for x,k in zip(st['trials'],p)]))
            else: task.history=None
            r=h.run_one(h.external(sys.argv[1]),task,50,s); out.setdefault((name,t),[]).append(r['regret'])
for c in (10,25,50):
    q=[np.mean([r[c-1] for r in out[('shuffled',t)]])/max(1e-12,np.mean([r[c-1] for r in out[('cold',t)]])) for t in h.suites()['warm']]
    print(c,'shuffled/cold geomean',math.exp(np.mean(np.log(np.clip(q,1e-3,1e3)))))
