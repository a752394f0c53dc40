// What this program asks of the thread sanitizer; TSAN_OPTIONS adds to it.

#ifdef __SANITIZE_THREAD__

extern "C" const char* __tsan_default_options()
{
    // Lavapipe locks its whole device in one go, more mutexes than the deadlock detector has room for, and the detector
    // then stops the process with its own locks held.
    return "detect_deadlocks=0";
}

#endif
