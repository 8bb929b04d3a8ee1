/* The head of an answer. */
#include <stdio.h>
#include <string.h>

#include "web.h"

void http_date(int64_t seconds, char text[static 40])
{
    time_t time = (time_t)seconds;
    struct tm parts;

    gmtime_r(&time, &parts);
    strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".txt", "text/plain; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".gif", "image/gif"},
        {".wasm", "application/wasm"},
    };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 206:
        return "Partial Content";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 416:
        return "Range Not Satisfiable";
    default:
        return "Request Header Fields Too Large";
    }
}

uint32_t answer_head(char *out, size_t size, const struct file *file, const struct request *request,
                     time_t now, struct part *part)
{
    /* Made anew once a second, and when another file is asked for. */
    static char date[40], modified[40];
    static int64_t date_of = -1, modified_of = -1;
    const char *close_it = request->keep_alive ? "" : "Connection: close\r\n";
    char range[80] = "";

    if (now != date_of)
        http_date(date_of = now, date);
    if (!file)
        return (uint32_t)snprintf(out, size,
                                  "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Length: 0\r\n%s%s\r\n",
                                  part->status, reason_of(part->status), date,
                                  part->status == 405 ? "Allow: GET, HEAD\r\n" : "", close_it);
    if (file->modified != modified_of)
        http_date(modified_of = file->modified, modified);
    *part = part_of(request, file, modified, now);
    if (part->status == 304)
        return (uint32_t)snprintf(out, size,
                                  "HTTP/1.1 304 %s\r\nDate: %s\r\nLast-Modified: %s\r\n%s\r\n",
                                  reason_of(304), date, modified, close_it);
    if (part->status == 206)
        snprintf(range, sizeof range, "Content-Range: bytes %llu-%llu/%llu\r\n",
                 (unsigned long long)part->first,
                 (unsigned long long)(part->first + part->bytes - 1),
                 (unsigned long long)file->bytes);
    if (part->status == 416)
        snprintf(range, sizeof range, "Content-Range: bytes */%llu\r\n",
                 (unsigned long long)file->bytes);
    return (uint32_t)snprintf(out, size,
                              "HTTP/1.1 %u %s\r\nDate: %s\r\nContent-Type: %s\r\n"
                              "Content-Length: %llu\r\nLast-Modified: %s\r\n"
                              "Accept-Ranges: bytes\r\n%s%s\r\n",
                              part->status, reason_of(part->status), date, type_of(file->path),
                              (unsigned long long)part->bytes, modified, range, close_it);
}
