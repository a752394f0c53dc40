# Reads present.tsv (column, size, mode, NAME=VALUE words) and prints one table a size and mode: medians, and the
# ratio of frames per second to the driver's own presenting; on displays to what is possible at all, the slower of a
# plain copy into the display's buffers and of drawing without showing.
BEGIN { FS = "\t" }

{
    row = $2 " " $3
    if (!(row in rows)) { rows[row] = ++rowCount; rowName[rowCount] = row }
    if (!($1 in columns)) { columns[$1] = ++columnCount; columnName[columnCount] = $1 }
    words = split($4, word, " ")
    for (i = 1; i <= words; ++i) {
        split(word[i], pair, "=")
        key = row SUBSEP $1 SUBSEP pair[1]
        values[key, ++count[key]] = pair[2]
    }
}

function median(key,    n, i, j, swap, sorted) {
    n = count[key]
    if (!n) return ""
    for (i = 1; i <= n; ++i) sorted[i] = values[key, i] + 0
    for (i = 1; i < n; ++i)
        for (j = i + 1; j <= n; ++j)
            if (sorted[j] < sorted[i]) { swap = sorted[i]; sorted[i] = sorted[j]; sorted[j] = swap }
    return sorted[int((n + 1) / 2)]
}

function cell(format, value) { return value == "" ? "-" : sprintf(format, value) }

END {
    for (r = 1; r <= rowCount; ++r) {
        row = rowName[r]
        base_fps = median(row SUBSEP "native-lavapipe" SUBSEP "fps")
        against = "x native"
        if (base_fps == "") {
            against = "x limit"
            base_fps = median(row SUBSEP "kms-memcpy" SUBSEP "fps")
            drawn = median(row SUBSEP "offscreen-venus" SUBSEP "fps")
            if (drawn != "" && drawn < base_fps) base_fps = drawn
        }
        printf "\n%s\n", row
        printf "  %-20s %9s %8s %22s %22s %11s %11s %8s\n", "", "FPS", against, "present p50/p99 us", "visible p50/p99 us", "client us", "server us", "submits"
        for (c = 1; c <= columnCount; ++c) {
            base = row SUBSEP columnName[c] SUBSEP
            fps = median(base "fps")
            if (fps == "") continue
            submits = median(base "submissions")
            if (submits != "") submits = submits / median(base "frames")
            printf "  %-20s %9s %8s %22s %22s %11s %11s %8s\n", columnName[c], cell("%.1f", fps),
                (base_fps > 0 && columnName[c] ~ /^layer|^native/) ? sprintf("%.2f", fps / base_fps) : "-",
                cell("%.0f", median(base "call_p50_us")) "/" cell("%.0f", median(base "call_p99_us")),
                cell("%.0f", median(base "latency_p50_us")) "/" cell("%.0f", median(base "latency_p99_us")),
                cell("%.0f", median(base "client_us")), cell("%.0f", median(base "server_us")), cell("%.2f", submits)
        }
    }
}
