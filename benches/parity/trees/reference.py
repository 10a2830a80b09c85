"""Reference numbers of scikit-learn for the tests of the decision tree; prints leaves, answers and importances."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
i=np.arange(60)
x=np.column_stack([(i*37%101)/4.0,(i*53%97)/8.0,(i*i%31)/2.0])
y3=((x[:,0]>12).astype(int)+(x[:,1]+x[:,2]>14).astype(int)+(i%7==0))%3
y2=(y3>0).astype(int)
yr=x[:,0]*x[:,1]-3*x[:,2]+(i*29%13)
q=np.array([[1,1,1],[20,3,2],[5,11,9],[13,6,14],[24,12,0.]])
def show(n,m,p): print(n, m.get_n_leaves(), np.round(p,12).tolist(), np.round(m.feature_importances_,12).tolist())
for n,kw in dict(d3=dict(max_depth=3),leaf=dict(min_samples_leaf=5),nodes=dict(max_leaf_nodes=6),dec=dict(min_impurity_decrease=0.02),ccp=dict(ccp_alpha=0.02),wfl=dict(min_weight_fraction_leaf=0.1),ent=dict(criterion="entropy",max_depth=3)).items():
    for s in range(3):
        m=DecisionTreeClassifier(random_state=s,**kw).fit(x,y2); show(n+' bin',m,m.predict_proba(q)[:,1])
    for s in range(3):
        m=DecisionTreeClassifier(random_state=s,**kw).fit(x,y3); show(n+' multi',m,m.predict_proba(q))
    if 'criterion' in kw: continue
    kw={k:(v*5000 if k in("min_impurity_decrease","ccp_alpha") else 8 if k=="min_samples_leaf" else v) for k,v in kw.items()}
    m=DecisionTreeRegressor(random_state=0,**kw).fit(x,yr); show(n+' reg',m,m.predict(q))
