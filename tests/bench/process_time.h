#pragma once

#include <sys/types.h>

/// CPU time of a process so far, user and system, in seconds; 0 when there is no such process.
double processTime(pid_t pid);
