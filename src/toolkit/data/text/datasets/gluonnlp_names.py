"""What GluonNLP calls the data sets that have another name here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# In lower case: GluonNLP's registry does not tell cases apart. What it has by further arguments,
# such as the language of CoNLL2002, is a name of its own here.
GLUONNLP: Mapping[str, str] = MappingProxyType(
    {
        "atisdataset": "ATIS",
        "snipsdataset": "SNIPS",
        "baiduerniexnli": "XNLI-zh",
        "baiduernielcqmc": "LCQMC",
        "baiduerniechnsenticorp": "ChnSentiCorp",
        "googleanalogytestset": "GoogleAnalogy",
        "biggeranalogytestset": "BiggerAnalogy",
        "gbwstream": "GBW",
        "squad": "SQuAD1.1",
        "gluecola": "GLUE-CoLA",
        "gluemnli": "GLUE-MNLI",
        "gluemrpc": "GLUE-MRPC",
        "glueqnli": "GLUE-QNLI",
        "glueqqp": "GLUE-QQP",
        "gluerte": "GLUE-RTE",
        "gluesst2": "GLUE-SST-2",
        "gluestsb": "GLUE-STS-B",
        "gluewnli": "GLUE-WNLI",
        "superglueboolq": "SuperGLUE-BoolQ",
        "supergluecb": "SuperGLUE-CB",
        "supergluecopa": "SuperGLUE-COPA",
        "supergluemultirc": "SuperGLUE-MultiRC",
        "superglueax_b": "SuperGLUE-AX-b",
        "superglueax_g": "SuperGLUE-AX-g",
        "superglueaxb": "SuperGLUE-AX-b",
        "superglueaxg": "SuperGLUE-AX-g",
        "supergluerecord": "SuperGLUE-ReCoRD",
        "supergluerte": "SuperGLUE-RTE",
        "supergluewic": "SuperGLUE-WiC",
        "supergluewsc": "SuperGLUE-WSC",
    }
)
