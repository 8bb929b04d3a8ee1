#!/usr/bin/env python3
"""Opens pages in a headless Chromium through chromedriver (WebDriver over HTTP).

usage: browser.py URL ADMIN_URL
Prints what the page at URL says in its element `done`, then the text of ADMIN_URL as the browser
shows it when its address is entered, a line each. rebind.example is 127.0.0.1 to this browser.
"""
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request


def ask(base, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data=data, method=method,
                                     headers={'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=40) as answer:
        return json.load(answer)['value']


def main():
    url, admin_url = sys.argv[1:]
    home = tempfile.mkdtemp(prefix='vireo-browser.')
    driver = subprocess.Popen(['chromedriver', '--port=0'], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, cwd=home,
                              env={'HOME': home, 'TMPDIR': home, 'PATH': '/usr/bin:/bin'})
    base = session = None
    try:
        for line in driver.stdout:
            if 'started successfully on port' in line:
                base = 'http://127.0.0.1:' + line.split('port')[-1].strip(' .\n')
                break
        session = '/session/' + ask(base, 'POST', '/session', {'capabilities': {'alwaysMatch': {
            'goog:chromeOptions': {'binary': shutil.which('chromium'), 'args': [
                '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                '--no-first-run', '--user-data-dir=' + home + '/data',
                '--host-resolver-rules=MAP rebind.example 127.0.0.1']}}}})['sessionId']
        ask(base, 'POST', session + '/url', {'url': url})
        end = time.monotonic() + 30
        while ask(base, 'GET', session + '/title') != 'tried' and time.monotonic() < end:
            time.sleep(0.2)

        def script(text):
            return ask(base, 'POST', session + '/execute/sync', {'script': text, 'args': []})
        print(script('return document.getElementById("done").innerText'))
        ask(base, 'POST', session + '/url', {'url': admin_url})
        print(script('return document.body.innerText').replace('\n', ' '))
    finally:
        if session:
            ask(base, 'DELETE', session)
        driver.terminate()
        driver.wait()
        shutil.rmtree(home, ignore_errors=True)


main()
