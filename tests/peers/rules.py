ALWAYS = set()
class Call:
    def __init__(self, case, ours, postfix, sendmail):
        self.case=case
def explain(difference, call, peer):
    return None
def table(path):
    return {}
