/* A function whose page tries to administer from the reader's browser: ?PORT is the admin port. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vireo/function.h>

/* Every attempt ends as a word in `done`; the title says when all have. */
static const char page[] =
    "<!doctype html><meta charset=utf-8><title>trying</title><body><script>\n"
    "const port=%d, hosts=['127.0.0.1','localhost','rebind.example'], done={};\n"
    "const tries=[];\n"
    "function attempt(name, promise) {\n"
    "  tries.push(promise.then(w=>done[name]=w, e=>done[name]='refused: '+e.name));\n"
    "}\n"
    "function loads(element, attribute, url) {\n"
    "  return new Promise((good,bad)=>{element.onload=()=>good('loaded');\n"
    "    element.onerror=()=>good('error'); element[attribute]=url;\n"
    "    document.body.append(element); setTimeout(()=>good('late'),4000);});\n"
    "}\n"
    "for (const host of hosts) {\n"
    "  const base='http://'+host+':'+port, f=base+'/system/functions';\n"
    "  const list=(how,init)=>attempt(host+' '+how,\n"
    "    fetch(f,init).then(r=>r.type=='opaque'?'opaque':r.text().then(t=>'READ '+t)));\n"
    "  list('plain',{});\n"
    "  list('blind',{mode:'no-cors'});\n"
    "  list('token',{headers:{Authorization:'Bearer guess-guess-guess-guess'}});\n"
    "  list('deploy',{method:'POST',mode:'no-cors',body:'x'});\n"
    "  attempt(host+' delete',fetch(f+'/victim',{method:'DELETE'}).then(r=>'READ '+r.status));\n"
    "  attempt(host+' img',loads(new Image(),'src',f+'/victim'));\n"
    "  attempt(host+' script',loads(document.createElement('script'),'src',base+'/metrics'));\n"
    "  attempt(host+' form',new Promise(good=>{\n"
    "    const frame=document.createElement('iframe'), form=document.createElement('form');\n"
    "    frame.name='to-'+host; form.target=frame.name; form.method='post';\n"
    "    form.enctype='text/plain'; form.action=f+'?name=evil';\n"
    "    const field=document.createElement('input'); field.name='a'; field.value='b';\n"
    "    form.append(field); document.body.append(frame,form); form.submit();\n"
    "    frame.onload=()=>{let w='hidden'; try{w='READ '+frame.contentDocument.body.innerText}\n"
    "      catch(e){} good(w);}; setTimeout(()=>good('late'),4000);}));\n"
    "  attempt(host+' socket',new Promise(good=>{\n"
    "    const s=new WebSocket('ws://'+host+':'+port+'/system/functions');\n"
    "    s.onopen=()=>good('OPENED'); s.onerror=()=>good('error');}));\n"
    "}\n"
    "Promise.allSettled(tries).then(()=>{\n"
    "  document.body.append(Object.assign(document.createElement('pre'),\n"
    "    {id:'done',innerText:JSON.stringify(done)}));\n"
    "  document.title='tried';});\n"
    "</script>";

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const char *port = vireo_request_query();

    (void)in, (void)in_len;
    vireo_response_header("content-type", "text/html");
    return snprintf((char *)out, out_cap, page, port ? atoi(port) : 0);
}
