#include "x_server.h"

#include <csignal>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

XServer::XServer()
{
    int pipeEnds[2];
    if (pipe(pipeEnds) != 0)
        throw std::runtime_error("pipe");
    m_pid = fork();
    if (m_pid == 0) {
        close(pipeEnds[0]);
        const std::string fd = std::to_string(pipeEnds[1]);
        execlp("Xvfb", "Xvfb", "-displayfd", fd.c_str(), "-screen", "0", "640x480x24", "-noreset", "-nolisten", "tcp",
               "-ac", nullptr);
        _exit(127);
    }
    close(pipeEnds[1]);
    char digit = 0;
    std::string number;
    while (read(pipeEnds[0], &digit, 1) == 1 && digit != '\n')
        number += digit;
    close(pipeEnds[0]);
    if (number.empty())
        throw std::runtime_error("Xvfb did not start");
    m_display = ":" + number;
}

XServer::~XServer()
{
    kill();
}

void XServer::kill()
{
    if (m_pid <= 0)
        return;
    ::kill(m_pid, SIGKILL);
    waitpid(m_pid, nullptr, 0);
    m_pid = -1;
}
