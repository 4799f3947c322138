"""WhatsApp's side of a flow's endpoint in Python's `cryptography`: an implementation that shares nothing with ours.

request PEM TEXT      -> {"body": what Meta posts, "key": hex, "iv": hex}
open KEY IV BODY      -> the text of an answer
"""

import base64
import json
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def request(pem, text):
    public = serialization.load_pem_private_key(pem.encode(), None).public_key()
    key, iv = os.urandom(16), os.urandom(16)
    gcm = Cipher(algorithms.AES(key), modes.GCM(iv)).encryptor()
    data = gcm.update(text.encode()) + gcm.finalize() + gcm.tag
    coded = lambda some: base64.b64encode(some).decode()
    body = {
        "encrypted_flow_data": coded(data),
        "encrypted_aes_key": coded(public.encrypt(key, OAEP)),
        "initial_vector": coded(iv),
    }
    return json.dumps({"body": json.dumps(body), "key": key.hex(), "iv": iv.hex()})


def opened(key, iv, body):
    sealed = base64.b64decode(body)
    iv = bytes(byte ^ 0xFF for byte in bytes.fromhex(iv))
    gcm = Cipher(algorithms.AES(bytes.fromhex(key)), modes.GCM(iv, sealed[-16:])).decryptor()
    return (gcm.update(sealed[:-16]) + gcm.finalize()).decode()


print({"request": request, "open": opened}[sys.argv[1]](*sys.argv[2:]))
